import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CompilerWords } from '../host/builds';

/** Answers what needs a plugin whose source does not compile: `dlserve dev` alone shows its compiler's words to clients. */
export function writeBuildError(error: CompilerWords, req: IncomingMessage, res: ServerResponse): void {
  const { message, code, output, status, details } = error;
  const isPage = prefersPage(req.headers.accept);
  const body = isPage ? page(String(details.plugin), output) : JSON.stringify({ error: message, code, output });
  res.writeHead(status, {
    'Content-Type': isPage ? 'text/html; charset=utf-8' : 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'",
    'Cache-Control': 'no-store',
    Vary: 'Accept',
  });
  res.end(body);
}

/** Whether a client would rather have a page than JSON: it must name the type, as browsers do. */
export function prefersPage(accept = ''): boolean {
  const html = weightOf(accept, 'text/html');
  const json = weightOf(accept, 'application/json');
  return html.weight > 0 && (html.weight > json.weight || (html.weight === json.weight && html.at < json.at));
}

function weightOf(accept: string, type: string): { readonly weight: number; readonly at: number } {
  const ranges = accept.toLowerCase().split(',').map((range) => range.split(';').map((part) => part.trim()));
  const at = ranges.findIndex(([name]) => name === type);
  if (at === -1) return { weight: 0, at: Infinity };
  const q = ranges[at]!.find((part) => part.startsWith('q='));
  const weight = q === undefined ? 1 : Number(q.slice(2));
  return { weight: Number.isFinite(weight) ? weight : 0, at };
}

function page(plugin: string, output: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escape(plugin)} does not compile</title>
<style>
:root { color-scheme: light dark; }
body { margin: 2rem auto; max-width: 70rem; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.3rem; }
pre { padding: 1rem; overflow-x: auto; border-left: .3rem solid #c33; background: color-mix(in srgb, currentColor 8%, transparent); }
</style>
<h1>${escape(plugin)} does not compile</h1>
<pre>${escape(output.trimEnd())}</pre>
<p>Mend the source, save it, and reload this page.</p>
</html>
`;
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character]!);
}
