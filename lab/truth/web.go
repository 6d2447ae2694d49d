// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package truth

import gyre "github.com/gyre-ctem/gyre"

// web is a row about a web server.
func web(id string, class gyre.Class, zone gyre.Zone, host, service, what, key, title, fix string) Row {
	return Row{
		ID: id, Class: class, Zone: zone, Host: host, Service: service, Flaw: host + "." + what,
		Keys: []string{key}, Title: title, Fix: fix,
	}
}

func webRows() []Row {
	const (
		in  = gyre.ZoneInternet
		dmz = gyre.ZoneDMZ
		mis = gyre.Misconfiguration
	)
	old := web("W-02", mis, in, "portal", "https", "tls10", "tls.protocol-old",
		"TLS 1.0 is still accepted", "Set the minimum protocol version to TLS 1.2.")
	// TLS 1.0 has no cipher suite that is not weak: a tool that says so is right.
	old.Keys = append(old.Keys, "tls.cipher-weak")
	return []Row{
		web("W-01", gyre.CertificateRisk, in, "shop", "https", "cert-expired", "tls.certificate-expired",
			"The certificate of the shop expired a month ago", "Renew the certificate and load it."),
		old,
		web("W-03", gyre.CertificateRisk, gyre.ZoneInternal, "intranet", "https", "cert-self-signed", "tls.certificate-self-signed",
			"The intranet signs its own certificate", "Have the certificate issued by the organisation's authority."),
		web("W-04", mis, in, "legacy", "https", "no-hsts", "http.hsts-missing",
			"The legacy site sends no Strict-Transport-Security", "Send Strict-Transport-Security: max-age=31536000; includeSubDomains."),
		web("W-05", mis, in, "legacy", "https", "no-csp", "http.csp-missing",
			"The legacy site sends no Content-Security-Policy", "Send a Content-Security-Policy without unsafe-inline."),
		web("W-06", mis, in, "legacy", "https", "no-frame-options", "http.frame-options-missing",
			"The legacy site may be framed", "Send X-Frame-Options: DENY, or frame-ancestors 'none' in the policy."),
		web("W-07", mis, in, "legacy", "https", "no-nosniff", "http.content-type-options-missing",
			"The legacy site lets browsers guess content types", "Send X-Content-Type-Options: nosniff."),
		web("W-08", mis, in, "legacy", "https", "cookie-insecure", "http.cookie-insecure",
			"The session cookie has neither Secure nor HttpOnly", "Set the cookie with Secure, HttpOnly and SameSite=Lax."),
		web("W-09", mis, in, "legacy", "https", "server-version", "http.server-version-disclosed",
			"The Server header tells product and version", "Set server_tokens off."),
		web("W-10", mis, in, "downloads", "https", "listing", "http.directory-listing",
			"Anyone may list the download folder", "Set autoindex off and give the folder an index page."),
		web("W-11", mis, in, "blog", "https", "git", "http.git-exposed",
			"The repository of the blog is served under /.git", "Deny /.git and deploy without it."),
		web("W-12", mis, in, "blog", "https", "env", "http.env-exposed",
			"The environment file of the blog is served under /.env", "Move .env out of the document root and change what it held."),
		web("W-13", gyre.APIRisk, in, "api", "https", "open-api", "http.api-unauthenticated",
			"The customer API answers without credentials", "Require a token on every operation."),
		web("W-14", mis, in, "api", "https", "cors", "http.cors-any-origin",
			"The customer API lets any origin read with credentials", "Allow the known origins only."),
		web("W-15", mis, dmz, "admin", "https", "default-credentials", "http.default-credentials",
			"The administration page takes admin / admin", "Set a password of your own, and put the page behind single sign-on."),
		web("W-16", mis, dmz, "status", "https", "server-status", "http.server-status-exposed",
			"The server status page is open to everyone", "Allow /server-status from the monitoring host only."),
		web("W-17", mis, dmz, "status", "https", "trace", "http.trace-enabled",
			"The web server answers TRACE", "Set TraceEnable off."),
		web("W-18", mis, gyre.ZoneInternal, "wiki", "http", "basic-cleartext", "http.basic-auth-cleartext",
			"The wiki asks for passwords over plain HTTP", "Serve the wiki over TLS only."),
	}
}
