// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package nessus

import (
	"strings"

	"github.com/gyre-ctem/gyre/plugin/document"
)

// port is a port that answered.
type port struct {
	transport string
	number    int
	service   string // what Nessus recognised; "" when it only guesses by the number
	tls       bool
}

func (h *host) port(locus, transport string, number int) *port {
	p := h.ports[locus]
	if p == nil {
		p = &port{transport: transport, number: number}
		if len(h.order) < maxPorts {
			h.ports[locus] = p
			h.order = append(h.order, locus)
		}
	}
	return p
}

// protocols maps Nessus' service names to the names that checks know.
var protocols = map[string]string{
	"www": "http", "http": "http", "https": "https", "ssh": "ssh", "ftp": "ftp", "smtp": "smtp", "dns": "dns", "domain": "dns",
	"telnet": "telnet", "redis_server": "redis", "redis": "redis", "elasticsearch": "elasticsearch", "mongodb": "mongodb",
	"memcached": "memcached", "mysql": "mysql", "postgresql": "postgresql", "vnc": "vnc", "etcd": "etcd", "imap": "imap",
	"pop3": "pop3", "ldap": "ldap", "docker": "docker",
}

// Plugins that only a port with TLS makes speak: versions, ciphers, certificate.
var tlsPlugins = map[string]bool{"56984": true, "21643": true, "10863": true}

// take learns from one item at the port. A name that ends in "?" is what
// usually listens there, not what does.
func (p *port) take(name string, it *item) {
	name = strings.ToLower(document.Line(name, 100))
	if name != "" && name != "unknown" && name != "general" && !strings.HasSuffix(name, "?") && p.service == "" {
		p.service = name
	}
	p.tls = p.tls || tlsPlugins[it.id]
}

func (p *port) data() map[string]any {
	d := map[string]any{"port": int64(p.number), "transport": p.transport, "service_name": p.service}
	protocol := protocols[p.service]
	if protocol == "http" && p.tls {
		protocol = "https"
	}
	if protocol != "" {
		d["protocol"] = protocol
	}
	if p.tls {
		d["tls"] = true
	}
	return d
}
