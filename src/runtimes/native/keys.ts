import { key, type Values } from '../../ground/key';
import { boolean } from '../../ground/value-types';
import type { PluginSource } from '../../plugin/runtime';

/** The configuration keys of the modes that run libraries in this process. */
export const NATIVE_KEYS = {
  ownsymbols: key(
    'plugins.ownsymbols',
    boolean,
    true,
    'a library sees its own symbols and those of the libraries it needs before those of Node.js, modes "thread" and "inline"',
  ),
} as const;

/** A library as these modes are given it. */
export type NativeSource = PluginSource<Values<typeof NATIVE_KEYS>>;
