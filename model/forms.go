package model

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Form is a rule for a text: what is wrong with it and how to mend it, or "", "".
type Form struct {
	Pattern string // regular expression of the JSON Schema
	Length  int    // greatest number of characters
	check   func(text string) (message, hint string)
}

const (
	maxDNSName     = 30
	maxSnakeName   = 40
	maxDescription = 300
)

const (
	dnsPattern    = `^[a-z]([a-z0-9-]*[a-z0-9])?$`
	snakePattern  = `^[a-z][a-z0-9]*(_[a-z0-9]+)*$`
	linePattern   = `^[^\r\n\t]*$`
	eventPattern  = `^[a-z][a-z0-9_-]*(\.[a-z][a-z0-9_-]*)+$`
	originPattern = `^https?://[^/?#@]+$`
	maxEventName  = 80
	maxIssuer     = 200
	maxAudience   = 200

	issuerPattern   = `^https?://[^?#@\s]+$`
	audiencePattern = `^[\x21\x23-\x5b\x5d-\x7e]+$`
)

var (
	formDNS    = Form{Pattern: dnsPattern, Length: maxDNSName, check: checkDNSName}
	formSnake  = Form{Pattern: snakePattern, Length: maxSnakeName, check: checkSnakeName}
	formLine   = Form{Pattern: linePattern, Length: maxDescription, check: checkLine}
	formEvent  = Form{Pattern: eventPattern, Length: maxEventName, check: checkEvent}
	formIssuer = Form{Pattern: issuerPattern, Length: maxIssuer, check: checkIssuer}
	// no blank, quote or backslash: it stands in many kinds of file
	formAudience = Form{Pattern: audiencePattern, Length: maxAudience, check: checkAudience}
	formOrigin   = Form{Pattern: originPattern, Length: 260, check: checkOrigin}
)

var (
	dnsName   = regexp.MustCompile(dnsPattern)
	snakeName = regexp.MustCompile(snakePattern)
	eventName = regexp.MustCompile(eventPattern)
	hostName  = regexp.MustCompile(`^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?)(:[0-9]{1,5})?$`)
)

func checkDNSName(name string) (message, hint string) {
	switch length := utf8.RuneCountInString(name); {
	case name == "":
		return "the name is empty", "give it a name such as catalog"
	case strings.ContainsAny(name, `/\`) || strings.Contains(name, ".."):
		return fmt.Sprintf("%q cannot be a name: it holds a part of a path", clip(name)), "a name is lower-case letters, digits and hyphens"
	case length > maxDNSName:
		return fmt.Sprintf("the name %q has %d characters", clip(name), length), fmt.Sprintf("use at most %d: names of pods, databases and packages are made from it", maxDNSName)
	case !dnsName.MatchString(name) || strings.Contains(name, "--"):
		return fmt.Sprintf("%q cannot be a name", name), suggestName(name, "-", dnsName, "a name is lower-case letters, digits and single hyphens, and begins with a letter")
	}
	return "", ""
}

func checkSnakeName(name string) (message, hint string) {
	switch length := utf8.RuneCountInString(name); {
	case name == "":
		return "the name is empty", "give it a name such as order_line"
	case strings.ContainsAny(name, `/\`) || strings.Contains(name, ".."):
		return fmt.Sprintf("%q cannot be a name: it holds a part of a path", clip(name)), "a name is lower-case words joined by _"
	case length > maxSnakeName:
		return fmt.Sprintf("the name %q has %d characters", clip(name), length), fmt.Sprintf("use at most %d: names of tables, columns and classes are made from it", maxSnakeName)
	case !snakeName.MatchString(name):
		return fmt.Sprintf("%q cannot be a name", name), suggestName(name, "_", snakeName, "a name is lower-case words joined by _, and begins with a letter")
	}
	return "", ""
}

// suggestName mends a name, orderLine to order_line, if that gives a good one.
func suggestName(name, separator string, good *regexp.Regexp, rule string) string {
	var b strings.Builder
	lower := false
	for _, r := range name {
		if unicode.IsUpper(r) && lower {
			b.WriteString(separator)
		}
		lower = unicode.IsLower(r) || unicode.IsDigit(r)
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			r = ' '
		}
		b.WriteRune(unicode.ToLower(r))
	}
	mended := strings.Join(strings.Fields(strings.ReplaceAll(b.String(), separator, " ")), separator)
	if good.MatchString(mended) {
		return fmt.Sprintf("write %q: %s", mended, rule)
	}
	return rule
}

// impliedFields come with every entity.
var impliedFields = setOf("id", "created_at", "updated_at", "version")

// checkFieldName is the rule for the name of a field.
func checkFieldName(name string) (message, hint string) {
	if impliedFields[name] {
		return fmt.Sprintf("every entity has %s already", name), "drop the field, or choose another name"
	}
	return checkSnakeName(name)
}

func printable(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}

func checkLine(text string) (message, hint string) {
	switch length := utf8.RuneCountInString(text); {
	case strings.Contains(strings.TrimRight(text, "\n"), "\n"):
		return "a description of several lines", "write it in one line"
	case !printable(text):
		return "a description with characters that cannot be seen", "delete them"
	case length > maxDescription:
		return fmt.Sprintf("a description of %d characters", length), fmt.Sprintf("use at most %d", maxDescription)
	}
	return "", ""
}

func checkEvent(name string) (message, hint string) {
	if !eventName.MatchString(name) || len(name) > maxEventName {
		return fmt.Sprintf("%q cannot be the name of an event", clip(name)), "write what it is about and what happened: order.placed"
	}
	return "", ""
}

func checkOrigin(text string) (message, hint string) {
	hint = "an origin is a scheme, a host and perhaps a port: https://shop.example.com"
	u, err := url.Parse(text)
	switch {
	case text == "*":
		return "`*` allows every web page to call the API", "list the origins, such as https://shop.example.com"
	case err != nil || (u.Scheme != "http" && u.Scheme != "https") || !hostName.MatchString(u.Host) || u.User != nil:
		return fmt.Sprintf("%q is no origin", clip(text)), hint
	case u.Path != "" || u.RawQuery != "" || u.Fragment != "" || strings.HasSuffix(text, "?") || strings.HasSuffix(text, "#"):
		return fmt.Sprintf("%q is more than an origin", clip(text)), fmt.Sprintf("write %q", u.Scheme+"://"+u.Host)
	}
	return "", ""
}

var (
	issuerURL    = regexp.MustCompile(issuerPattern)
	audienceText = regexp.MustCompile(audiencePattern)
)

func checkIssuer(text string) (message, hint string) {
	parsed, err := url.Parse(text)
	switch {
	case err != nil || !issuerURL.MatchString(text) || !hostName.MatchString(parsed.Host) || strings.ContainsAny(text, `"'\\`):
		return fmt.Sprintf("%q is no issuer", clip(text)), "write its URL as tokens have it in iss: https://id.example.com"
	case parsed.Scheme != "https" && parsed.Hostname() != "localhost" && parsed.Hostname() != "127.0.0.1":
		return fmt.Sprintf("the issuer %q is not reached by https", clip(text)), "use https: whoever sits in between could hand out keys"
	case utf8.RuneCountInString(text) > maxIssuer:
		return "the issuer is too long", fmt.Sprintf("use at most %d characters", maxIssuer)
	}
	return "", ""
}

func checkAudience(text string) (message, hint string) {
	if !audienceText.MatchString(text) || utf8.RuneCountInString(text) > maxAudience {
		return fmt.Sprintf("%q is no audience", clip(text)), fmt.Sprintf("write it as tokens have it in aud: at most %d characters without blanks, quotes and backslashes", maxAudience)
	}
	return "", ""
}
