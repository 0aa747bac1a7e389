import { isUtf8 } from 'node:buffer';
import { parseQuery } from './query';

/** An HTTP request as the contract sees it. */
export interface PluginRequest {
  readonly file: string;
  readonly func: string;
  readonly method: string;
  /** The path of the URL as it came, without the query. */
  readonly path: string;
  /** What stands behind the first `?`, without it. */
  readonly query: string;
  /** Names and values in turn, as node:http gives them. */
  readonly rawHeaders: readonly string[];
  /** The route of the plugin's own by which it came; undefined where it came by /_PLUGIN/. */
  readonly route?: RouteTaken | undefined;
}

/** The way of a request by a route of a plugin's own. */
export interface RouteTaken {
  /** `GET /hello/{name}` */
  readonly title: string;
  /** The names in its path, and what stood there. */
  readonly names: readonly string[];
  readonly values: readonly string[];
}

/**
 * The JSON that a handler gets. Written by hand, key by key: order and repeated keys are kept, which no JavaScript object could
 * (integer-like keys are reordered, `__proto__` is lost), and nothing is allocated for a request without query.
 * @param hasBody whether there is a body: the text then ends right before the value of its last key, "body", and whoever has the
 *   bytes adds that and `}`
 */
export function requestText(request: PluginRequest, hasBody: boolean): string {
  const { route } = request;
  const vars = route === undefined ? `"file":"${request.file}","func":"${request.func}"` : varsJson(request, route);
  return (
    `{"http_vars":{${vars}},"url_query":${queryJson(request.query)}` +
    `,"method":"${request.method}","path":${quote(request.path)},"headers":${headersJson(request.rawHeaders)}` +
    `${route === undefined ? '' : `,"route":${quote(route.title)}`},"body":${hasBody ? '' : 'null}'}`
  );
}

/** A name in the path that is called file or func stands in the place of the host's. */
function varsJson({ file, func }: PluginRequest, { names, values }: RouteTaken): string {
  const own = (['file', 'func'] as const).filter((name) => !names.includes(name)).map((name) => `"${name}":"${name === 'file' ? file : func}"`);
  return [...own, ...names.map((name, place) => `"${name}":${quote(values[place]!)}`)].join(',');
}

/** What {@link requestText} lacks where there is a body: its text, or null where the bytes are no UTF-8. */
export function bodyText(body: Buffer): string {
  return `${isUtf8(body) ? JSON.stringify(body.toString()) : 'null'}}`;
}

function queryJson(query: string): string {
  if (query === '') return '{}';
  let json = '{';
  for (const [key, values] of parseQuery(query)) {
    if (json.length > 1) json += ',';
    json += `${quote(key)}:[`;
    for (let i = 0; i < values.length; i++) json += (i === 0 ? '' : ',') + quote(values[i]!);
    json += ']';
  }
  return json + '}';
}

/** Headers up to which comparing each name with those before it is quicker than a map of them. */
const FEW = 32;

/** Names in lower case; a repeated name's values are joined by ", " (for Cookie by "; "), as RFC 9110 5.3 allows. */
function headersJson(rawHeaders: readonly string[]): string {
  let json = '{';
  let names = rawHeaders.length > 2 * FEW ? joined(rawHeaders) : undefined;
  for (let i = 0; names === undefined && i < rawHeaders.length; i += 2) {
    const name = lowerCase(rawHeaders[i]!);
    for (let k = 0; names === undefined && k < i; k += 2) {
      if (rawHeaders[k]!.length === name.length && lowerCase(rawHeaders[k]!) === name) names = joined(rawHeaders);
    }
    if (names !== undefined) break;
    json += `${i === 0 ? '' : ','}"${name}":${quote(rawHeaders[i + 1]!)}`;
  }
  if (names === undefined) return json + '}';
  return `{${Array.from(names, ([name, value]) => `"${name}":${quote(value)}`).join(',')}}`;
}

function joined(rawHeaders: readonly string[]): Map<string, string> {
  const names = new Map<string, string>();
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = lowerCase(rawHeaders[i]!);
    const before = names.get(name);
    const value = rawHeaders[i + 1]!;
    names.set(name, before === undefined ? value : `${before}${name === 'cookie' ? '; ' : ', '}${value}`);
  }
  return names;
}

const lowerCased = new Map<string, string>();

/** Header names repeat from request to request; the cache is bounded because a client chooses them. */
function lowerCase(name: string): string {
  let lower = lowerCased.get(name);
  if (lower === undefined) {
    lower = name.toLowerCase();
    if (lowerCased.size < 512 && name.length < 64) lowerCased.set(name, lower);
  }
  return lower;
}

// eslint-disable-next-line no-control-regex -- the characters that JSON must escape
const ESCAPED = /["\\\u0000-\u001f\ud800-\udfff]/;

/** JSON.stringify of a string, without its cost where nothing needs an escape. */
function quote(text: string): string {
  return ESCAPED.test(text) ? JSON.stringify(text) : `"${text}"`;
}
