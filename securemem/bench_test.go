package securemem

import (
	"fmt"
	"testing"
)

func BenchmarkAllocFree(b *testing.B) {
	for name, f := range map[string]Flags{"strict": 0, "fast": Fast} {
		for _, n := range []int{32, 4096, 1 << 20} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					s, err := Alloc(n, f)
					if err != nil {
						b.Fatal(err)
					}
					if err := s.Free(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkSealOpen(b *testing.B) {
	for name, f := range map[string]Flags{"strict": 0, "fast": Fast, "noaccess": NoAccess} {
		for to, m := range map[string]Mode{"read": Read, "write": Write} {
			b.Run(name+"/"+to, func(b *testing.B) {
				s, err := From(pattern(32), f)
				if err != nil {
					b.Fatal(err)
				}
				defer free(b, s)
				b.ReportAllocs()
				for b.Loop() {
					if err := s.Seal(); err != nil {
						b.Fatal(err)
					}
					if _, err := s.Open(m); err != nil {
						b.Fatal(err)
					}
					if err := s.Close(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkOpenClose(b *testing.B) {
	s := newPattern(b, 32)
	defer free(b, s)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Open(Read); err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHMAC256Bytes(b *testing.B) {
	s := newPattern(b, 32)
	defer free(b, s)
	msg, mac := pattern(256), make([]byte, 64)
	for _, h := range []Hash{SHA256, SHA384, SHA512} {
		b.Run(fmt.Sprint(8*h.Size()), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.HMAC(h, msg, mac); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
