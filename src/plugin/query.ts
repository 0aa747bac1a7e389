import { unescape } from 'node:querystring';

/**
 * The query of a URL as the contract sees it: keys in order of first appearance, each with its values in order.
 * `+` is a space, `%41` is A; a malformed escape stays as it is, and bytes that are not UTF-8 become U+FFFD, as the URL
 * Standard has it for application/x-www-form-urlencoded. `a`, `a=` and an empty key are kept; empty pairs are not.
 */
export function parseQuery(query: string): Map<string, string[]> {
  const pairs = new Map<string, string[]>();
  for (let start = 0; start <= query.length; ) {
    let end = query.indexOf('&', start);
    if (end === -1) end = query.length;
    if (end > start) {
      let equals = query.indexOf('=', start);
      if (equals === -1 || equals > end) equals = end;
      const key = decode(query.slice(start, equals));
      const value = equals < end ? decode(query.slice(equals + 1, end)) : '';
      const values = pairs.get(key);
      if (values === undefined) pairs.set(key, [value]);
      else values.push(value);
    }
    start = end + 1;
  }
  return pairs;
}

function decode(text: string): string {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text;
  return spaced.includes('%') ? unescape(spaced) : spaced;
}
