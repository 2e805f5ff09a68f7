package relay

import "strconv"

// MaxBulk is the most that TAKE and GIVE move at a time.
const MaxBulk = 1 << 30

const bulkSize = 64 << 10

// bulkArg reads the size of a bulk transfer and has its memory ready; 0 is a bad size.
func (s *session) bulkArg(arg []byte) int {
	n, err := strconv.Atoi(string(arg))
	if err != nil || n < 1 || n > MaxBulk {
		return 0
	}
	if s.bulk == nil {
		s.bulk = make([]byte, bulkSize)
	}
	return n
}

// take reads n bytes and says so. s.in is smaller than bulk, so once it is empty it
// reads straight into that.
func (s *session) take(arg []byte) error {
	n := s.bulkArg(arg)
	if n == 0 {
		return s.reply("ERR bad size")
	}
	for left := n; left > 0; {
		got, err := s.in.Read(s.bulk[:min(left, bulkSize)])
		s.r.stats.bytesIn.Add(int64(got))
		if err != nil {
			return err
		}
		left -= got
	}
	return s.reply("TOOK " + strconv.Itoa(n))
}

// give sends n bytes.
func (s *session) give(arg []byte) error {
	n := s.bulkArg(arg)
	if n == 0 {
		return s.reply("ERR bad size")
	}
	for left := n; left > 0; left -= min(left, bulkSize) {
		if err := s.send(s.bulk[:min(left, bulkSize)]); err != nil {
			return err
		}
	}
	return nil
}
