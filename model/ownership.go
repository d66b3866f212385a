package model

import "fmt"

// OwnerColumn holds the subject of the caller who created the record.
const OwnerColumn = "owner_id"

// Owned reports whether a record belongs to who created it.
func (e EntityPlan) Owned() bool { return e.AnyScope != "" }

// ownerColumn is nobody's for records from before: only who may use everybody's sees them.
func ownerColumn() Column {
	return Column{Name: OwnerColumn, Type: "text", NotNull: true, Fill: "''"}
}

// checkOwners refuses owners where nobody could be one, or where lists would not know them.
func (c *checker) checkOwners() {
	for i, s := range c.answers.Services {
		for j, e := range s.Entities {
			if e.Owned {
				c.checkOwned(s, e, fmt.Sprintf("services[%d].entities[%d]", i, j))
			}
		}
	}
}

func (c *checker) checkOwned(s Service, e Entity, path string) {
	if by := c.answers.Security.Authorization; by != "rbac" {
		c.fail(path+".owned", "who may use everybody's records is a scope, and authorization is "+by,
			"choose rbac for security.authorization, or leave out owned")
	}
	if s.CQRS && hasBroker(*c.answers) {
		c.fail(path+".owned", "the lists of a read model do not know yet whose records they show", "leave out cqrs or owned")
	}
	for k, f := range e.Fields {
		if fieldJSON(f, f.Name) == OwnerColumn {
			c.fail(fmt.Sprintf("%s.fields[%d]", path, k), "the owner of a record is in owner_id already", "call the field otherwise, or leave out owned")
		}
	}
}
