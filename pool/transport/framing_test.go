package transport

import (
	"math/rand/v2"
	"testing"
)

func record(n int) []byte {
	return append([]byte{23, 3, 3, byte(n >> 8), byte(n)}, make([]byte, n)...)
}

func TestFramingCountsRecordsInWhateverPiecesTheyCome(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var stream []byte
		want := 1 + random.IntN(5)
		for range want {
			stream = append(stream, record(random.IntN(300))...)
		}
		stream = append(stream, 23, 3) // a header that has begun
		var f framing
		for rest := stream; len(rest) > 0; {
			n := 1 + random.IntN(len(rest))
			f.add(rest[:n])
			rest = rest[n:]
		}
		if f.records != want || f.boundary() {
			t.Fatalf("%d records of %d, boundary %v", f.records, want, f.boundary())
		}
	}
}

func TestFramingKnowsABoundary(t *testing.T) {
	var f framing
	whole := record(10)
	for i, b := range whole {
		if f.boundary() != (i == 0) {
			t.Fatalf("after %d bytes: boundary %v", i, f.boundary())
		}
		f.add([]byte{b})
	}
	if !f.boundary() || f.records != 1 {
		t.Fatalf("after a whole record: boundary %v, %d records", f.boundary(), f.records)
	}
}
