package egress

import (
	"errors"
	"net/netip"
)

// ErrPrivateAddress says that a destination's address is not a public one.
var ErrPrivateAddress = errors.New("connections to addresses that are not public are refused; " +
	"if this one is meant, start Handoff with --allow-private-destinations (HANDOFF_ALLOW_PRIVATE_DESTINATIONS=true)")

type block struct {
	prefix netip.Prefix
	kind   string
}

const documentation = "a documentation address"

// blocks are the networks that no public service has its address in: IANA's
// special-purpose registries for IPv4 and IPv6 (RFC 6890 and its updates), but
// for those that are marked globally reachable, and multicast.
var blocks = []block{
	{netip.MustParsePrefix("0.0.0.0/8"), "an unspecified address"}, // Linux takes 0.0.0.0 for loopback
	{netip.MustParsePrefix("10.0.0.0/8"), "a private address"},
	{netip.MustParsePrefix("100.64.0.0/10"), "a shared (carrier NAT) address"}, // also some clouds' metadata services
	{netip.MustParsePrefix("127.0.0.0/8"), "a loopback address"},
	{netip.MustParsePrefix("169.254.0.0/16"), "a link-local address"}, // most clouds' metadata services
	{netip.MustParsePrefix("172.16.0.0/12"), "a private address"},
	{netip.MustParsePrefix("192.0.0.0/24"), "a protocol assignment"},
	{netip.MustParsePrefix("192.0.2.0/24"), documentation},
	{netip.MustParsePrefix("192.88.99.0/24"), "a 6to4 relay"},
	{netip.MustParsePrefix("192.168.0.0/16"), "a private address"},
	{netip.MustParsePrefix("198.18.0.0/15"), "a benchmarking address"},
	{netip.MustParsePrefix("198.51.100.0/24"), documentation},
	{netip.MustParsePrefix("203.0.113.0/24"), documentation},
	{netip.MustParsePrefix("224.0.0.0/4"), "a multicast address"},
	{netip.MustParsePrefix("240.0.0.0/4"), "a reserved address"}, // and broadcast

	{netip.MustParsePrefix("::/128"), "an unspecified address"},
	{netip.MustParsePrefix("::1/128"), "a loopback address"},
	{netip.MustParsePrefix("64:ff9b:1::/48"), "a local translation (NAT64) address"},
	{netip.MustParsePrefix("2001::/23"), "a protocol assignment"}, // Teredo, which embeds IPv4 addresses, and others
	{netip.MustParsePrefix("2001:db8::/32"), documentation},
	{netip.MustParsePrefix("2002::/16"), "a 6to4 address"}, // embeds any IPv4 address; given up by RFC 7526
	{netip.MustParsePrefix("3fff::/20"), documentation},
	{netip.MustParsePrefix("fc00::/7"), "a private (unique local) address"},
	{netip.MustParsePrefix("fe80::/10"), "a link-local address"},
	{netip.MustParsePrefix("fec0::/10"), "a private (site-local) address"},
	{netip.MustParsePrefix("ff00::/8"), "a multicast address"},
}

var (
	// globalUnicast is all of IPv6 that is given out for public use (RFC 4291, section 2.4, and IANA's registry).
	globalUnicast = netip.MustParsePrefix("2000::/3")

	// nat64 carries an IPv4 address in its last 32 bits (RFC 6052): it is as public as that.
	nat64 = netip.MustParsePrefix("64:ff9b::/96")
)

// special says what an address is that is not public; empty means public.
func special(addr netip.Addr) string {
	// A zone would make Contains false for every prefix.
	addr = addr.WithZone("").Unmap()
	if nat64.Contains(addr) {
		b := addr.As16()
		addr = netip.AddrFrom4([4]byte(b[12:]))
	}
	for _, b := range blocks {
		if b.prefix.Contains(addr) {
			return b.kind
		}
	}
	if !addr.Is4() && !globalUnicast.Contains(addr) {
		return "a reserved address"
	}
	return ""
}
