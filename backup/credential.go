package backup

import (
	"fmt"
	"reflect"
	"strings"
)

// A credential is a password of a document, and where in it that is.
type credential struct {
	connection *Connection
	place      string // within the connection, such as /crowd/password
	pointer    string
	*Password
}

// credentials lists the passwords of c, wherever settings have one, so that no export
// passes one over.
func (c *Config) credentials() []credential {
	var all []credential
	connection := configShape().field("connections").shape.elem
	for i := range c.Connections {
		one := &c.Connections[i]
		var walk func(s *shape, v reflect.Value, place string)
		walk = func(s *shape, v reflect.Value, place string) {
			switch {
			case s.name == "backup.Password":
				all = append(all, credential{one, place, fmt.Sprintf("/connections/%d%s", i, place), v.Addr().Interface().(*Password)})
			case s.kind == object:
				for _, f := range s.fields {
					if below := v.FieldByIndex(f.index); f.rule.required || !unset(below) {
						walk(f.shape, below, place+"/"+f.name)
					}
				}
			case s.kind == list:
				for j := range v.Len() {
					walk(s.elem, v.Index(j), fmt.Sprintf("%s/%d", place, j))
				}
			}
		}
		walk(connection, reflect.ValueOf(one).Elem(), "")
	}
	return all
}

// what says for people what the password is.
func (p credential) what() string {
	switch p.place {
	case "/jira/token":
		return "the token for Jira at " + p.connection.Jira.URL
	case "/webhook/secret":
		return "the secret that signs the webhook"
	case "/crowd/password":
		return fmt.Sprintf("the password of the application %s in Crowd at %s", quote(p.connection.Crowd.Application), p.connection.Crowd.URL)
	}
	return "the password of " + strings.ReplaceAll(strings.TrimSuffix(p.place[1:], "/password"), "/", ".")
}

// label names the password in an error.
func (p credential) label() string {
	if p.place == "/crowd/password" {
		return "password"
	}
	return strings.ReplaceAll(p.place[1:], "/", ".")
}

// variable returns the name that an environment variable for the password gets.
func (p credential) variable() string {
	name := strings.TrimPrefix(p.place, "/") + "/" + p.connection.Name
	return strings.ToUpper(strings.NewReplacer("/", "_", "-", "_").Replace(name))
}
