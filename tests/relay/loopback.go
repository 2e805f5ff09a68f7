package relay

import (
	"net"
	"net/netip"
)

// Loopbacks are the loopback addresses that this machine has, of IPv4 and of IPv6. Some
// containers have none of IPv6: log is told so, and a test tries what there is.
func Loopbacks(log func(format string, args ...any)) []netip.Addr {
	addrs := []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		log("not tried over IPv6: %v", err)
		return addrs
	}
	_ = l.Close()
	return append(addrs, netip.IPv6Loopback())
}
