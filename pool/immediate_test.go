package pool

import "testing"

func TestALeaseCountedTooEarlyIsShownUntilItIsTrue(t *testing.T) {
	var c immediate
	want := func(leases, idle uint64) {
		t.Helper()
		if c.leases() != leases || c.idle() != idle {
			t.Errorf("%d leases and %d idle, want %d and %d", c.leases(), c.idle(), leases, idle)
		}
	}
	c.lent++
	want(1, 1)
	c.lent++
	c.disprove(true) // tickets
	want(2, 1)
	c.lent++
	want(3, 2) // seen before its look
	c.disprove(false)
	want(3, 2)
	c.lent++
	want(3, 2) // true
	c.lent++
	want(4, 3)
	c.lent++
	c.disprove(false) // not seen: nobody learns of it
	want(4, 3)
}
