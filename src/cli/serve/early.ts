import { closeSync, readFileSync, statSync } from 'node:fs';
import { forkServer, type Forked } from './fork';

/**
 * The first server process, started before anything is known of the configuration: it boots and loads while that is read. What a server
 * process is to do it is told afterwards, so it matters little if none is needed.
 */
let early: Forked | undefined;

/**
 * Starts it if the command line looks like that of a server which needs one.
 * @param args what was typed after `dlserve`
 */
export function startEarly(args: readonly string[], env: NodeJS.ProcessEnv): void {
  if (!looksLikeServer(args) || looksLikeOther(args, env)) return;
  try {
    early = forkServer();
    // Whoever takes it finds out.
    early.child.on('error', () => undefined);
  } catch {
    // It is tried again when it is needed.
  }
}

/** It, if it was started and is alive; from then on it is the caller's. */
export function takeEarly(): Forked | undefined {
  const taken = early;
  if (taken?.child.pid === undefined || taken.child.exitCode !== null || taken.child.signalCode !== null) {
    dismissEarly();
    return undefined;
  }
  early = undefined;
  return taken;
}

/** Nobody needs it. */
export function dismissEarly(): void {
  early?.child.kill('SIGKILL');
  if (early !== undefined) closeSync(early.statusFile);
  early = undefined;
}

const INFORMATION = new Set(['-h', '--help', '-v', '-V', '--version']);

function looksLikeServer(args: readonly string[]): boolean {
  const [command = 'serve'] = args;
  return (command === 'serve' || command.startsWith('-')) && !args.some((arg) => INFORMATION.has(arg));
}

/** Whether no plugin runs in a server process, or several of those share their port, as far as a glance tells. */
function looksLikeOther(args: readonly string[], env: NodeJS.ProcessEnv): boolean {
  const flag = (name: string): string | undefined => {
    const at = args.findLastIndex((arg) => arg === `--${name}` || arg.startsWith(`--${name}=`));
    return at === -1 ? undefined : args[at] === `--${name}` ? args[at + 1] : args[at]!.slice(name.length + 3);
  };
  const file = glance(flag('config') ?? (env['PREST_CONF'] || 'prest.toml'));
  const mode = flag('mode') ?? (env['PREST_PLUGINS_MODE'] || /^\[plugins\][^[]*?^\s*mode\s*=\s*["'](\w+)/m.exec(file)?.[1]);
  const workers = flag('workers') ?? (env['PREST_HTTP_WORKERS'] || /^\[http\][^[]*?^\s*workers\s*=\s*(\d+)/m.exec(file)?.[1]);
  return mode === 'process' || (workers !== undefined && workers !== '1');
}

/** What is in a file; a pipe is left to whoever reads it in earnest. */
function glance(file: string): string {
  try {
    return statSync(file).isFile() ? readFileSync(file, 'utf8') : '';
  } catch {
    return '';
  }
}
