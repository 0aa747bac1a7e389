/** The flags of a command line as commander gives them, by name in camel case. */
export type FlagValues = Record<string, string | undefined>;
