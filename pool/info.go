package pool

import (
	"crypto/tls"
	"time"
)

// session is what was agreed in a handshake.
type session struct {
	version    uint16
	suite      string // IANA's name: crypto/tls makes lists to find it
	protocol   string
	resumed    bool
	peerExpiry time.Time
}

func sessionOf(s tls.ConnectionState) session {
	out := session{version: s.Version, suite: tls.CipherSuiteName(s.CipherSuite), protocol: s.NegotiatedProtocol, resumed: s.DidResume}
	if len(s.PeerCertificates) > 0 {
		out.peerExpiry = s.PeerCertificates[0].NotAfter.UTC()
	}
	return out
}

// ConnInfo describes a connection on lease.
type ConnInfo struct {
	ID       uint64 `json:"connection_id"`
	Endpoint string `json:"endpoint"`
	// Uses counts the leases before this one.
	Uses uint64 `json:"uses"`
	// Generation counts the rotations of the pool before it was dialled.
	Generation uint64    `json:"generation"`
	Opened     time.Time `json:"opened"`
	// Written and Read count application bytes of this lease.
	Written uint64 `json:"bytes_written"`
	Read    uint64 `json:"bytes_read"`
	// TLSVersion is as in RFC 8446, "TLS 1.3"; CipherSuite is IANA's name.
	TLSVersion  string `json:"tls_version"`
	CipherSuite string `json:"cipher_suite"`
	// ALPN is the protocol that was agreed, empty if none was.
	ALPN    string `json:"alpn"`
	Resumed bool   `json:"resumed"`
	// PeerExpiry is when the peer's own certificate ends.
	PeerExpiry time.Time `json:"peer_certificate_expires"`
}

// Info describes the connection and what its handshake agreed on.
func (c Conn) Info() (ConnInfo, error) {
	ch, err := c.live()
	if err != nil {
		return ConnInfo{}, err
	}
	return ConnInfo{
		ID: ch.id, Endpoint: ch.endpoint.addr, Uses: ch.usesNow(), Generation: ch.generation,
		Opened:  ch.pool.wall(ch.opened),
		Written: ch.passage().Wrote.Load(), Read: ch.passage().Read.Load(),
		TLSVersion:  tls.VersionName(ch.session.version),
		CipherSuite: ch.session.suite,
		ALPN:        ch.session.protocol, Resumed: ch.session.resumed, PeerExpiry: ch.session.peerExpiry,
	}, nil
}
