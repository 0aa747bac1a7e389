import type { ABI_SYMBOLS } from '../../binary/names';

/** The optional exports of the contract, and what it means to have or to lack each. */
export const ABI_EXPORTS: readonly { readonly symbol: (typeof ABI_SYMBOLS)[number]; readonly found: string; readonly missing: string }[] = [
  {
    symbol: 'PluginABI',
    found: 'tells the ABI it was written for, which is checked when it is loaded',
    missing: 'taken to be written for ABI 1',
  },
  {
    symbol: 'PluginFree',
    found: 'releases what handlers return, as soon as it was copied',
    missing: 'what handlers return is never freed: right for constants and static buffers, a leak for malloc',
  },
  {
    symbol: 'PluginBody',
    found: "tells how handlers take a request's body, those without a <handler>Body of their own",
    missing: "handlers get a request's body as text and raw, but for those with a <handler>Body of their own",
  },
  {
    symbol: 'PluginConcurrency',
    found: 'tells how many threads may be inside the library at once',
    missing: 'calls run one at a time, unless `concurrency` in prest.toml says otherwise',
  },
  {
    symbol: 'PluginInit',
    found: "called once after loading, with the plugin's table `config` of prest.toml as JSON",
    missing: "nothing to set up; the plugin's table `config` of prest.toml is not read",
  },
  {
    symbol: 'PluginStop',
    found: 'called once before the library is let go',
    missing: 'nothing to clean up',
  },
  {
    symbol: 'PluginRoutes',
    found: 'tells the routes of its own, beside /_PLUGIN/; it is opened when the server starts',
    missing: 'no routes of its own but those that prest.toml gives it',
  },
  {
    symbol: 'PluginFactory',
    found: 'the object through which it is started and stopped; it is opened when the server starts',
    missing: 'nothing to start or stop but by PluginInit and PluginStop',
  },
];

/** What follows from a library being built by Go. */
export const GO_FACTS: readonly string[] = [
  'a panic that leaves an exported function aborts the whole process (prestd-style sources are built with a recover)',
  "it can't be unloaded: a Go runtime stays until its process ends",
  'the Go team does not support several Go runtimes in one process; on Linux they do load',
  'each takes static TLS, so that about 200 in one process are the end',
  'mode = "process" has none of these limits: each library has a process of its own',
];
