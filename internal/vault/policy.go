package vault

import (
	"fmt"
	"strings"
)

// Use is what a login is for.
type Use string

// The uses. A serving login reads; a provisioning login also makes and destroys.
const (
	Serve     Use = "serve"
	Provision Use = "provision"
)

// Names are what the names of an installation's own begin with.
type Names struct {
	Scopes string // such as tenant/
	Roles  string // such as tenant_
}

// Grant is one line of a policy: what may be done at a path.
type Grant struct {
	Path         string
	Capabilities []string
	Parameters   []string // the only ones that may be sent; all when empty
}

// Grants are all that a login of a use needs and no more. They are of what
// begins with the names, apart from what is the login's own and, for
// provisioning, the installation's key pair.
func Grants(m Mounts, names Names, use Use) []Grant {
	m = m.orDefault()
	key := strings.TrimSuffix(keyName(names.Scopes), ".key")
	own := []Grant{
		{Path: "auth/token/lookup-self", Capabilities: []string{"read"}},
		{Path: "auth/token/renew-self", Capabilities: []string{"update"}},
		{Path: "auth/token/revoke-self", Capabilities: []string{"update"}},
		{Path: "sys/leases/renew", Capabilities: []string{"update"}},
		{Path: "sys/leases/revoke", Capabilities: []string{"update"}},
		{Path: m.Database + "/creds/" + names.Roles + "*", Capabilities: []string{"read"}},
	}
	if use == Serve {
		return append(own,
			Grant{Path: m.KV + "/data/" + scopesFolder + names.Scopes + "*", Capabilities: []string{"read"}},
			Grant{Path: m.Transit + "/decrypt/" + key + "*", Capabilities: []string{"update"}},
		)
	}
	own = append(own,
		Grant{Path: m.Database + "/roles/" + names.Roles + "*", Capabilities: []string{"create", "read", "update", "delete"}},
		Grant{Path: "sys/leases/revoke-prefix/" + m.Database + "/creds/" + names.Roles + "*", Capabilities: []string{"update", "sudo"}},
		Grant{Path: m.KV + "/data/" + secretsFolder + names.Scopes + "*", Capabilities: []string{"create", "read", "update"}},
		Grant{Path: m.KV + "/metadata/" + secretsFolder + names.Scopes + "*", Capabilities: []string{"delete"}},
		// One line for a key and for what is done to it: Vault applies only the most
		// specific path, and "*" does not stop at the end of a key's name.
		Grant{
			Path: m.Transit + "/keys/" + key + "*", Capabilities: []string{"read", "update", "delete"},
			Parameters: []string{"deletion_allowed", "min_decryption_version"},
		},
	)
	const pair = "recipient"
	for _, scope := range []struct{ entry, key string }{{names.Scopes + "*", key + "*"}, {pair, keyName(pair)}} {
		own = append(own,
			Grant{Path: m.KV + "/data/" + scopesFolder + scope.entry, Capabilities: []string{"create", "read", "update"}},
			Grant{Path: m.KV + "/metadata/" + scopesFolder + scope.entry, Capabilities: []string{"delete"}},
			Grant{Path: m.Transit + "/encrypt/" + scope.key, Capabilities: []string{"create", "update"}},
			Grant{Path: m.Transit + "/decrypt/" + scope.key, Capabilities: []string{"update"}},
		)
	}
	return own
}

// Policy is the policy of a use as Vault reads it (HCL).
func Policy(m Mounts, names Names, use Use) string {
	var text strings.Builder
	for _, g := range Grants(m, names, use) {
		fmt.Fprintf(&text, "path %q {\n  capabilities = [%s]\n", g.Path, quoted(g.Capabilities))
		if len(g.Parameters) > 0 {
			text.WriteString("  allowed_parameters = {\n")
			for _, p := range g.Parameters {
				fmt.Fprintf(&text, "    %q = []\n", p)
			}
			text.WriteString("  }\n")
		}
		text.WriteString("}\n")
	}
	return text.String()
}

func quoted(words []string) string {
	out := make([]string, len(words))
	for i, word := range words {
		out[i] = fmt.Sprintf("%q", word)
	}
	return strings.Join(out, ", ")
}
