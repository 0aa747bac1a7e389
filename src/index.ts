export { createPluginHost, type PluginEvents, type PluginHost } from './api/plugin-host';
export { serverOptionsFor, type AppPrototypes } from './http/server-options';
export type { HostOptions, PluginOptions } from './config/load';
export type { PluginInfo } from './host/overview';
export type { Endpoint } from './host/listing';
export type { Fault } from './plugin/fault';
export type { State } from './plugin/state';
export { DlserveError, ERRORS, type ErrorCode } from './ground/errors';
