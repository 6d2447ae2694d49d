// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"sync"
	"time"
)

// Authority issues the estate's certificates.
type Authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	// leafKey is shared by every server: making keys is what start would spend its time on.
	leafKey *ecdsa.PrivateKey
	now     time.Time

	mu     sync.Mutex
	serial int64
	issued map[string]*tls.Certificate
}

// NewAuthority makes an authority of its own; now is when the estate started.
func NewAuthority(now time.Time) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make authority key: %w", err)
	}
	leaf, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make server key: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Practice Estate Authority", Organization: []string{"Corp"}},
		NotBefore: now.AddDate(-2, 0, 0), NotAfter: now.AddDate(5, 0, 0), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("make authority certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("read authority certificate: %w", err)
	}
	return &Authority{cert: cert, key: key, leafKey: leaf, now: now, serial: now.Unix(), issued: map[string]*tls.Certificate{}}, nil
}

// Roots is a pool with the authority's certificate, for clients.
func (a *Authority) Roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

type certKind string

const (
	certGood       certKind = "good"
	certExpired    certKind = "expired"
	certSelfSigned certKind = "self-signed"
)

// certificate issues, once for each host and kind, a certificate for name and address.
func (a *Authority) certificate(name, address string, kind certKind) (*tls.Certificate, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	id := string(kind) + " " + name + " " + address
	if c := a.issued[id]; c != nil {
		return c, nil
	}
	a.serial++
	template := &x509.Certificate{
		SerialNumber: big.NewInt(a.serial), Subject: pkix.Name{CommonName: name, Organization: []string{"Corp"}},
		DNSNames: []string{name}, IPAddresses: []net.IP{net.ParseIP(address)},
		NotBefore: a.now.AddDate(0, 0, -30), NotAfter: a.now.AddDate(0, 0, 300),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	parent, key := a.cert, a.key
	switch kind {
	case certExpired:
		template.NotBefore, template.NotAfter = a.now.AddDate(0, 0, -395), a.now.AddDate(0, 0, -30)
	case certSelfSigned:
		parent, key = template, a.leafKey
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, a.leafKey.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("issue certificate for %q: %w", name, err)
	}
	c := &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: a.leafKey}
	if kind != certSelfSigned {
		c.Certificate = append(c.Certificate, a.cert.Raw)
	}
	a.issued[id] = c
	return c, nil
}

// modern are the TLS 1.2 suites of a server that nobody could complain about.
var modern = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
}

// config is the TLS side of a site. It decides at each handshake, so that a fix
// is seen by the next client.
func (a *Authority) config(host, name, address string, has Flaws) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			kind := certGood
			switch {
			case has(host + ".cert-expired"):
				kind = certExpired
			case has(host + ".cert-self-signed"):
				kind = certSelfSigned
			}
			cert, err := a.certificate(name, address, kind)
			if err != nil {
				return nil, err
			}
			c := &tls.Config{
				MinVersion: tls.VersionTLS12, CipherSuites: modern, NextProtos: []string{"http/1.1"},
				Certificates: []tls.Certificate{*cert}, SessionTicketsDisabled: true,
			}
			if has(host + ".tls10") {
				// Planted on purpose: 1.0 and 1.1 know no other suites with this kind of key.
				c.MinVersion = tls.VersionTLS10 // #nosec G402 -- the weakness that this host is there to show
				c.CipherSuites = append([]uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}, modern...)
			}
			return c, nil
		},
	}
}
