// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"
	"time"
)

// anyServer is a client that talks to whoever answers: what is looked at is
// exactly what a careful client would refuse.
func anyServer(from, to uint16) *tls.Config {
	c := &tls.Config{
		InsecureSkipVerify: true,                 // #nosec G402 -- certificates are judged by checks, from the facts
		MinVersion:         from, MaxVersion: to, // #nosec G402 -- old versions are looked for
		SessionTicketsDisabled: true,
		NextProtos:             []string{"http/1.1"},
	}
	for _, s := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
		c.CipherSuites = append(c.CipherSuites, s.ID)
	}
	return c
}

// outcome is how one handshake ended.
type outcome uint8

const (
	accepted outcome = iota
	rejected         // the peer answered in TLS, and said no
	notTLS           // the peer answered, not in TLS
	cut              // the peer closed without a word: some refuse like that
	unheard          // no answer, or none that could be read
)

type handshake struct {
	outcome outcome
	suite   uint16
	chain   []*x509.Certificate // also of a handshake that failed after the certificate
}

// shake does one handshake with exactly the given configuration.
func (p *peer) shake(ctx context.Context, config *tls.Config) handshake {
	e, err := p.connectPlain(ctx)
	if err != nil {
		return handshake{outcome: unheard}
	}
	defer func() { _ = e.Close() }()
	h := handshake{}
	// Only to keep the chain, also of a handshake that fails later; sessions are never resumed.
	config.VerifyPeerCertificate = func(raw [][]byte, _ [][]*x509.Certificate) error { // #nosec G123 -- it decides nothing
		const most = 10
		for _, der := range raw[:min(len(raw), most)] {
			c, err := x509.ParseCertificate(der)
			if err != nil {
				break
			}
			h.chain = append(h.chain, c)
		}
		return nil
	}
	e.await(p.pace.answer)
	conn := tls.Client(e.Conn, config)
	err = conn.HandshakeContext(ctx)
	h.outcome = outcomeOf(err)
	if err == nil {
		h.suite = conn.ConnectionState().CipherSuite
	}
	return h
}

func outcomeOf(err error) outcome {
	var network net.Error
	switch {
	case err == nil:
		return accepted
	case isRecordHeader(err):
		return notTLS
	case errors.As(err, &network) && network.Timeout(), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return unheard
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return cut
	}
	// What is left is an alert, or a message that this client refuses: an answer in TLS.
	return rejected
}

func isRecordHeader(err error) bool {
	_, ok := errors.AsType[tls.RecordHeaderError](err)
	return ok
}

var tlsVersions = []struct {
	id   uint16
	name string
}{{tls.VersionTLS10, "TLS1.0"}, {tls.VersionTLS11, "TLS1.1"}, {tls.VersionTLS12, "TLS1.2"}, {tls.VersionTLS13, "TLS1.3"}}

// handshakes finds out which versions and weak suites the peer accepts, and its
// certificate. conclusive: each handshake got an answer.
func (l *look) handshakes(ctx context.Context, p *peer, names []string) (spoke bool, fact map[string]any, conclusive bool) {
	first := p.shake(ctx, anyServer(tls.VersionTLS10, tls.VersionTLS13))
	if first.outcome != accepted && (first.outcome != rejected || len(first.chain) == 0) {
		return false, nil, false
	}
	conclusive = true
	if l.only != nil && l.only.Aspect != "tls" {
		return true, nil, false
	}
	chain := first.chain
	var versions, weak []string
	old := false // some version before TLS 1.3, where suites are a choice
	mute := false
	for _, v := range tlsVersions {
		h := p.shake(ctx, anyServer(v.id, v.id))
		switch h.outcome {
		case accepted:
			versions = append(versions, v.name)
			old = old || v.id < tls.VersionTLS13
		case cut:
			mute = true
		case unheard, notTLS:
			conclusive = false
		}
	}
	if len(versions) == 0 {
		conclusive = false
	}
	if old {
		var heard bool
		weak, heard = p.weakSuites(ctx)
		conclusive = conclusive && heard
	}
	// Closing without a word is a refusal only of a peer that still takes others.
	if mute && p.shake(ctx, anyServer(tls.VersionTLS10, tls.VersionTLS13)).outcome != accepted {
		conclusive = false
	}
	fact = certificateFact(chain, names, p.addr.Addr().String())
	if fact == nil {
		fact = map[string]any{}
	}
	if conclusive {
		fact["protocols"], fact["weak_ciphers"] = texts(versions), texts(weak)
	}
	return true, fact, conclusive
}

// weakSuites offers only suites that Go's standard library calls insecure (no
// forward secrecy, RC4, 3DES, CBC with SHA-256), taking away each that the peer picks.
func (p *peer) weakSuites(ctx context.Context) (accepts []string, heard bool) {
	var left []uint16
	for _, s := range tls.InsecureCipherSuites() {
		left = append(left, s.ID)
	}
	for len(left) > 0 {
		config := anyServer(tls.VersionTLS10, tls.VersionTLS12)
		config.CipherSuites = left
		h := p.shake(ctx, config)
		switch h.outcome {
		case accepted:
		case unheard:
			return accepts, false
		default:
			return accepts, true
		}
		i := slices.Index(left, h.suite)
		if i < 0 {
			return accepts, false
		}
		accepts = append(accepts, tls.CipherSuiteName(h.suite))
		left = slices.Delete(left, i, i+1)
	}
	return accepts, true
}

// certificateFact describes the first certificate of a chain.
func certificateFact(chain []*x509.Certificate, names []string, address string) map[string]any {
	if len(chain) == 0 {
		return nil
	}
	c := chain[0]
	sum := sha256.Sum256(c.Raw)
	var san []string
	for _, n := range c.DNSNames[:min(len(c.DNSNames), 100)] {
		san = append(san, printable([]byte(n), 253))
	}
	for _, ip := range c.IPAddresses[:min(len(c.IPAddresses), 100)] {
		san = append(san, ip.String())
	}
	fact := map[string]any{
		"subject": printable([]byte(c.Subject.String()), bannerLimit), "issuer": printable([]byte(c.Issuer.String()), bannerLimit),
		"san": texts(san), "not_before": c.NotBefore.UTC().Format(time.RFC3339), "not_after": c.NotAfter.UTC().Format(time.RFC3339),
		"self_signed":         selfSigned(c),
		"signature_algorithm": c.SignatureAlgorithm.String(), "fingerprint_sha256": hex.EncodeToString(sum[:]),
	}
	if c.SerialNumber != nil && c.SerialNumber.BitLen() <= 160 {
		fact["serial"] = c.SerialNumber.Text(16)
	}
	switch k := c.PublicKey.(type) {
	case *rsa.PublicKey:
		fact["key_type"], fact["key_bits"] = "rsa", int64(k.N.BitLen())
	case *ecdsa.PublicKey:
		fact["key_type"], fact["key_bits"] = "ecdsa", int64(k.Curve.Params().BitSize)
	case ed25519.PublicKey:
		fact["key_type"], fact["key_bits"] = "ed25519", int64(256)
	}
	if len(names) > 0 {
		matches := func(name string) bool { return c.VerifyHostname(strings.TrimSuffix(name, ".")) == nil }
		fact["name_matches"] = slices.ContainsFunc(names, matches) || matches(address)
	}
	return fact
}

// selfSigned says whether the certificate carries a signature by its own key.
func selfSigned(c *x509.Certificate) bool {
	if !bytes.Equal(c.RawSubject, c.RawIssuer) {
		return false
	}
	err := c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature)
	_, old := errors.AsType[x509.InsecureAlgorithmError](err)
	return err == nil || old // MD5 and SHA-1 are not checked any more
}
