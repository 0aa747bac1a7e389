import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(__dirname, '..');
const below = (folder: string): string[] =>
  readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) => path.join(folder, file));
const papers = [...readdirSync(root), ...below('docs'), ...below('examples')].filter((file) => file.endsWith('.md'));

const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');
const withoutCode = (text: string): string => text.replace(/^( {4}.*|```[^]*?^```)$/gm, '');

/** The anchors of a page's headings, as GitHub makes them; the second of one name is called name-1. */
function anchors(file: string): Set<string> {
  const seen = new Map<string, number>();
  const names = Array.from(withoutCode(read(file)).matchAll(/^#+ (.*)$/gm), ([, heading]) => {
    const name = heading!.toLowerCase().replace(/[^\w\- ]/g, '').replaceAll(' ', '-');
    const count = seen.get(name) ?? 0;
    seen.set(name, count + 1);
    return count === 0 ? name : `${name}-${count}`;
  });
  return new Set(names);
}

test.each(papers)('every link of %s leads somewhere', (paper) => {
  const links = Array.from(withoutCode(read(paper)).matchAll(/\]\(([^)\s]+)\)/g), ([, target]) => target!);
  const broken = links.filter((link) => {
    if (/^https?:/.test(link)) return false;
    const [file, anchor] = link.split('#');
    const place = file === '' ? paper : path.join(path.dirname(paper), file!);
    if (!existsSync(path.join(root, place))) return true;
    return anchor !== undefined && !(statSync(path.join(root, place)).isFile() && anchors(place).has(anchor));
  });
  expect(broken).toEqual([]);
});

test('every page of docs can be reached from the README', () => {
  const reached = new Set(['README.md']);
  for (const page of reached) {
    for (const [, target] of read(page).matchAll(/\]\(([^)\s#]+\.md)[^)]*\)/g)) {
      if (!/^https?:/.test(target!)) reached.add(path.join(path.dirname(page), target!));
    }
  }
  expect([...reached]).toEqual(expect.arrayContaining(below('docs').filter((file) => file.endsWith('.md'))));
});
