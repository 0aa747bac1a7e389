/** Where a server can be reached, without a slash at its end; brackets around an IPv6 address (RFC 3986 3.2.2). */
export function urlOf(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
