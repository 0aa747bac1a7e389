import { request } from 'node:http';

/** What a curl line printed, and the body that it got, which `-o` keeps from being printed. */
export interface Curled {
  readonly printed: string;
  readonly body: Buffer;
}

interface Line {
  url: URL;
  method: string;
  headers: Record<string, string>;
  data: string | undefined;
  include: boolean;
  toFile: boolean;
  format: string;
}

/** They differ from answer to answer and are the server's own: the papers leave them out. */
const LEFT_OUT = new Set(['date', 'connection', 'keep-alive']);

/**
 * Does what a curl line of the papers does, against a server on another port.
 * @param line `curl [-i] [-s] [-N] [-X METHOD] [-H HEADER] [-d DATA] [-o FILE] [-w FORMAT] URL`; nothing is written to FILE
 * @param origin takes the place of http://127.0.0.1:3000
 */
export function curl(line: string, origin: string): Promise<Curled> {
  const { url, method, headers, data, include, toFile, format } = parse(line, origin);
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, headers }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('error', reject);
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => {
        const body = Buffer.concat(chunks);
        let printed = '';
        if (include) {
          printed += `HTTP/${answer.httpVersion} ${answer.statusCode} ${answer.statusMessage}\n`;
          for (let i = 0; i < answer.rawHeaders.length; i += 2) {
            const name = answer.rawHeaders[i]!;
            if (!LEFT_OUT.has(name.toLowerCase())) printed += `${name}: ${answer.rawHeaders[i + 1]!}\n`;
          }
          printed += '\n';
        }
        if (!toFile) printed += body.toString();
        printed += format
          .replace('%{http_code}', String(answer.statusCode))
          .replace('%{content_type}', answer.headers['content-type'] ?? '')
          .replace('%{size_download}', String(body.length))
          .replaceAll('\\n', '\n');
        resolve({ printed, body });
      });
    });
    asked.on('error', reject);
    asked.end(data);
  });
}

function parse(text: string, origin: string): Line {
  const words = Array.from(text.matchAll(/'([^']*)'|(\S+)/g), ([, quoted, plain]) => quoted ?? plain!);
  if (words.shift() !== 'curl') throw new Error(`no curl line: ${text}`);
  const line: Partial<Line> & Pick<Line, 'headers'> = { headers: {}, include: false, toFile: false, format: '' };
  const next = (): string => words.shift()!;
  while (words.length > 0) {
    const word = next();
    if (word === '-i') line.include = true;
    else if (word === '-s' || word === '-N') continue;
    else if (word === '-X') line.method = next();
    else if (word === '-H') {
      const [name, value] = next().split(': ');
      line.headers[name!] = value!;
    } else if (word === '-d') {
      line.data = next();
      line.headers['content-type'] = 'application/x-www-form-urlencoded';
    } else if (word === '-o') {
      line.toFile = next() !== '';
    } else if (word === '-w') line.format = next();
    else if (word.startsWith('http://127.0.0.1:3000/')) line.url = new URL(word.slice('http://127.0.0.1:3000'.length), origin);
    else throw new Error(`unexpected ${word} in ${text}`);
  }
  if (line.url === undefined) throw new Error(`no URL in ${text}`);
  return { method: line.data === undefined ? 'GET' : 'POST', data: undefined, ...line } as Line;
}
