/**
 * What to spawn so that a shell's command runs on a terminal of its own, which is closed when this is killed. What the command writes to
 * it comes on standard output, and standard input is typed. The exit status is the command's.
 */
export function onTerminal(command: string): [command: string, args: string[]] {
  // Every Linux has that of util-linux; the one of the BSDs takes the command apart.
  if (process.platform === 'linux') return ['script', ['--quiet', '--flush', '--return', '--command', command, '/dev/null']];
  return ['script', ['-q', '-F', '/dev/null', 'sh', '-c', command]];
}
