import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { crc32 } from 'node:zlib';

/** Adds a version of a module to a folder that GOPROXY=file://... serves (https://go.dev/ref/mod#goproxy-protocol). */
export function addToProxy(proxy: string, module: string, version: string, files: Readonly<Record<string, string>>): void {
  const folder = path.join(proxy, module, '@v');
  const gomod = `module ${module}\n\ngo 1.18\n`;
  mkdirSync(folder, { recursive: true });
  appendFileSync(path.join(folder, 'list'), `${version}\n`);
  writeFileSync(path.join(folder, `${version}.info`), JSON.stringify({ Version: version }));
  writeFileSync(path.join(folder, `${version}.mod`), gomod);
  const entries = Object.entries({ 'go.mod': gomod, ...files }).map(([name, text]) => [`${module}@${version}/${name}`, text] as const);
  writeFileSync(path.join(folder, `${version}.zip`), zip(entries));
}

/** A ZIP archive without compression (PKWARE APPNOTE 4.3). */
function zip(files: readonly (readonly [string, string])[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, text] of files) {
    const [named, data] = [Buffer.from(name), Buffer.from(text)];
    // Version needed, flags, method, time, date, CRC, both sizes, and the lengths of the name and of what is extra.
    const common = fields([10, 2], [0, 2], [0, 2], [0, 2], [33, 2], [crc32(data), 4], [data.length, 4], [data.length, 4], [named.length, 2], [0, 2]);
    const local = Buffer.concat([fields([0x04034b50, 4]), common, named, data]);
    directory.push(Buffer.concat([fields([0x02014b50, 4], [10, 2]), common, fields([0, 2], [0, 2], [0, 2], [0, 4], [offset, 4]), named]));
    parts.push(local);
    offset += local.length;
  }
  const central = Buffer.concat(directory);
  const count = files.length;
  const end = fields([0x06054b50, 4], [0, 2], [0, 2], [count, 2], [count, 2], [central.length, 4], [offset, 4], [0, 2]);
  return Buffer.concat([...parts, central, end]);
}

/** Little-endian numbers, each with its width in bytes. */
function fields(...numbers: readonly (readonly [value: number, width: 2 | 4])[]): Buffer {
  return Buffer.concat(
    numbers.map(([value, width]) => {
      const bytes = Buffer.alloc(width);
      bytes.writeUIntLE(value, 0, width);
      return bytes;
    }),
  );
}
