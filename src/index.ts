export { createPluginHost, type PluginHost } from './http/plugin-host';
export { serverOptionsFor } from './http/server-options';
export type { HostOptions, PluginOptions } from './config/load';
export type { Offer } from './host/endpoints';
export { DlserveError, ERRORS, type ErrorCode } from './ground/errors';
