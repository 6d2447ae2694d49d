// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package httpapi

import "github.com/gyre-ctem/gyre/internal/auth"

// needs is the one place that says who may call what. An operation that is not
// here cannot be registered.
var needs = map[string]auth.Grant{
	"get-setup":      auth.Public,
	"create-session": auth.Public,
	"get-session":    auth.Public, // answers 401 by itself, so that the console can ask
	"delete-session": auth.Public,
	"get-version":    auth.Public,

	"set-password": auth.Self,
	"list-tokens":  auth.Self,
	"create-token": auth.Self,
	"delete-token": auth.Self,

	"get-overview":     auth.Read,
	"get-history":      auth.Read,
	"get-trend":        auth.Read,
	"list-exposures":   auth.Read,
	"get-exposure":     auth.Read,
	"explain-exposure": auth.Read,

	"list-correlation-rules":  auth.Read,
	"try-correlation-rule":    auth.Write,
	"create-correlation-rule": auth.Write,
	"delete-correlation-rule": auth.Write,

	"list-assets":       auth.Read,
	"get-asset":         auth.Read,
	"list-components":   auth.Read,
	"list-merges":       auth.Read,
	"list-asset-merges": auth.Read,
	"explain-asset":     auth.Read,
	"preview-merge":     auth.Read,
	"list-reviews":      auth.Read,
	"merge-asset":       auth.Write,
	"undo-merge":        auth.Write,
	"answer-review":     auth.Write,
	"reopen-review":     auth.Write,
	"list-actions":      auth.Read,
	"get-action":        auth.Read,
	"list-cycles":       auth.Read,
	"get-cycle":         auth.Read,
	"diff-cycles":       auth.Read,
	"list-scopes":       auth.Read,
	"get-scope":         auth.Read,
	"list-runs":         auth.Read,
	"get-run":           auth.Read,
	"list-imports":      auth.Read,
	"get-import":        auth.Read,
	"list-feeds":        auth.Read,
	"list-jobs":         auth.Read,
	"get-job":           auth.Read,
	"list-workers":      auth.Read,
	"add-job":           auth.Scan,
	"cancel-job":        auth.Scan,
	"retry-job":         auth.Scan,
	"list-filters":      auth.Read,
	"get-filter-schema": auth.Read,
	"stream-events":     auth.Read,
	"examine":           auth.Read,
	"change-exposures":  auth.Write,
	"undo-change":       auth.Write,
	"patch-asset":       auth.Write,
	"patch-action":      auth.Write,
	"create-filter":     auth.Write,
	"delete-filter":     auth.Write,
	"validate-exposure": auth.Scan,
	"start-cycle":       auth.Scan,
	"cancel-cycle":      auth.Scan,
	"resume-cycle":      auth.Scan,
	"import-report":     auth.Scan,
	"cancel-import":     auth.Scan,
	"retry-import":      auth.Scan,
	"sync-feeds":        auth.Scan,
	// A scope is an authorisation: it says which networks may be probed and which
	// files may be read. Working inside the scopes is not the right to widen them.
	"create-scope":        auth.Admin,
	"replace-scope":       auth.Admin,
	"delete-scope":        auth.Admin,
	"list-accounts":       auth.Admin,
	"create-account":      auth.Admin,
	"patch-account":       auth.Admin,
	"delete-account":      auth.Admin,
	"create-account-link": auth.Admin,
	"list-audit":          auth.Admin,
	"compact":             auth.Admin,
}
