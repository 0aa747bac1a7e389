/** The configuration keys of the modes that run libraries in this process. */
export const NATIVE_KEYS = {} as const;
