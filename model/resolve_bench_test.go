package model

import (
	"fmt"
	"testing"
)

func BenchmarkResolve(b *testing.B) {
	for _, services := range []int{10, 100, 1000} {
		a := Answers{Version: 1, Name: "wide", Scale: Large, Datastores: Datastores{Cache: "redis"}}
		for i := range services {
			service := Service{Name: fmt.Sprintf("svc-%d", i), Cache: i%2 == 0}
			if i > 0 {
				service.Calls = []string{fmt.Sprintf("svc-%d", i-1)}
			}
			for j := range 3 {
				entity := Entity{Name: fmt.Sprintf("thing_%d", j)}
				for k := range 6 {
					entity.Fields = append(entity.Fields, mustField(fmt.Sprintf("field_%d: string(30) required index", k)))
				}
				service.Entities = append(service.Entities, entity)
			}
			a.Services = append(a.Services, service)
		}
		b.Run(fmt.Sprint(services), func(b *testing.B) {
			for b.Loop() {
				Resolve(a)
			}
		})
	}
}
