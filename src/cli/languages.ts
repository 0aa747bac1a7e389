/** What `dlserve new` writes sources in. */
export const LANGUAGES = ['c', 'cpp', 'go'] as const;

export type Language = (typeof LANGUAGES)[number];
