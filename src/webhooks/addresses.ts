import { BlockList, isIP } from 'node:net';

/** Which addresses are the public's. All others (of this machine, of networks behind it) are private. */

const PRIVATE_V4 = new BlockList();
for (const [address, prefix] of [
  ['0.0.0.0', 8], // this host
  ['10.0.0.0', 8],
  ['100.64.0.0', 10], // carriers' own
  ['127.0.0.0', 8],
  ['169.254.0.0', 16], // link-local, and what clouds keep their secrets at
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24], // examples
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15], // benchmarks
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4], // multicast
  ['240.0.0.0', 4],
] as const) {
  PRIVATE_V4.addSubnet(address, prefix, 'ipv4');
}

/** What is given out to the public; IPv4 that is written as IPv6 lies outside. */
const GLOBAL_V6 = new BlockList();
GLOBAL_V6.addSubnet('2000::', 3, 'ipv6');
const PRIVATE_V6 = new BlockList();
for (const [address, prefix] of [
  ['2001::', 23], // Teredo and other tunnels
  ['2001:db8::', 32], // examples
  ['2002::', 16], // IPv4 in a tunnel
  ['3fff::', 20], // examples
] as const) {
  PRIVATE_V6.addSubnet(address, prefix, 'ipv6');
}

/** Whether an IP address belongs to the public internet. What is no address does not. */
export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !PRIVATE_V4.check(address, 'ipv4');
    case 6:
      // One with a zone is of this link.
      return (
        !address.includes('%') &&
        GLOBAL_V6.check(address, 'ipv6') &&
        !PRIVATE_V6.check(address, 'ipv6')
      );
    default:
      return false;
  }
}

/** The address that a URL names itself; null where it names a host. */
export function addressIn(url: URL): string | null {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return isIP(host) === 0 ? null : host;
}

/**
 * What is wrong with the URL of an endpoint, as far as that can be seen without asking DNS; null:
 * nothing.
 */
export function wrongWithUrl(text: string, { allowPrivate }: { allowPrivate: boolean }) {
  if (!URL.canParse(text)) return 'must be a URL';
  const url = new URL(text);
  if (url.protocol !== 'https:' && !(allowPrivate && url.protocol === 'http:')) {
    return `must be an https${allowPrivate ? ' or http' : ''} URL`;
  }
  if (url.username !== '' || url.password !== '') return 'must not contain a user or a password';
  if (allowPrivate) return null;
  const address = addressIn(url);
  const isLocal = /(^|\.)localhost\.?$/.test(url.hostname);
  return isLocal || (address !== null && !isPublicAddress(address))
    ? 'must not lead to a private address'
    : null;
}
