import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { GO_WRAPPER, HEADER, type Builder, type Built } from '../builder';
import { digest } from '../digest';
import { walk } from '../sources';
import { addedFiles } from './added';
import { go, prepare, type GoJob } from './command';
import { listPackage, type Listed } from './list';
import { moduleFiles, withModule } from './module';

/** The part of the environment that decides what Go builds; the other variables of Go say where to find and keep things. */
const DECISIVE =
  /^(GO(OS|ARCH|FLAGS|EXPERIMENT|TOOLCHAIN|WORK|ENV|FIPS140|DEBUG|AMD64|ARM64|RISCV64|111MODULE)|CGO_\w+|CC|CXX|PKG_CONFIG\w*|CPATH)$/;

/** Go in both styles, exported functions and handlers written for prestd. The author's files are read, never touched. */
export const goBuilder: Builder = {
  // Go compiles its whole standard library when it builds for the first time.
  pace: 'slow',

  needs: () => ['go'],

  async plan(source, flags, env) {
    const decisive = Object.keys(env).filter((key) => DECISIVE.test(key));
    const own = await Promise.all([HEADER, ...(await walk(GO_WRAPPER))].map((file) => readFile(file, 'utf8')));
    const folder = source.folder ? source.path : path.dirname(source.path);
    return {
      recipe: digest([flags, decisive.sort().map((key) => [key, env[key]]), own]),
      files: [...source.files, ...moduleFiles(folder)],
    };
  },

  async build(job) {
    // Go runs as many compilers as there are cores by itself, so all of a build has one slot.
    return job.work.run(async () => {
      const prepared = await prepare(job);
      const tools = await Promise.all(['go', prepared.settings.CC].map((command) => job.tools.describe(command)));
      return withModule(prepared, async (governed) => {
        const listed = await listPackage(governed);
        return { inputs: listed.inputs, tools, ...(await compile(governed, listed)) };
      });
    });
  },
};

async function compile(job: GoJob, listed: Listed): Promise<Pick<Built, 'output' | 'warnings' | 'saysNone'>> {
  const { files, warnings, saysNone } = await addedFiles(job, listed);
  const overlay = { ...job.overlay };
  for (const [name, text] of Object.entries(files)) {
    const place = path.join(job.workplace, name);
    await writeFile(place, text);
    overlay[path.join(job.folder, name)] = place;
  }
  // Without -buildvcs, go asks git about the folder, and fails where git does.
  const command = ['build', '-buildmode=c-shared', '-buildvcs=false', '-o', job.library];
  const { output } = await go({ ...job, overlay }, command, Object.keys(files));
  return { output, warnings, saysNone };
}
