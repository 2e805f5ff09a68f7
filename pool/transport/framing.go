package transport

// headerLen is the size of a TLS record header (RFC 8446, section 5.1): type,
// version, and a length of two bytes.
const headerLen = 5

// framing follows the record boundaries of a ciphertext stream.
type framing struct {
	header  [headerLen]byte
	have    int // bytes of header seen
	body    int // bytes of the record's body still to come
	records int // records that ended since the count was last reset
}

// add follows p.
func (f *framing) add(p []byte) {
	for len(p) > 0 {
		if f.have < headerLen {
			n := copy(f.header[f.have:], p)
			f.have += n
			p = p[n:]
			if f.have < headerLen {
				return
			}
			f.body = int(f.header[3])<<8 | int(f.header[4])
		}
		n := min(f.body, len(p))
		f.body -= n
		p = p[n:]
		if f.body == 0 {
			f.have = 0
			f.records++
		}
	}
}

// boundary says that the stream stands between two records.
func (f *framing) boundary() bool { return f.have == 0 }
