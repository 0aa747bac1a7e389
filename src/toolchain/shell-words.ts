/**
 * Splits a variable such as CC or CFLAGS into words as a shell does: quotes and backslashes group, nothing is expanded.
 * An unclosed quote ends with the text.
 */
export function words(text: string | undefined): string[] {
  const found: string[] = [];
  const pattern = /(?:[^\s'"\\]|\\[^]|'[^']*(?:'|$)|"(?:[^"\\]|\\[^])*(?:"|$))+/g;
  for (const [word] of (text ?? '').matchAll(pattern)) {
    found.push(
      word.replace(/\\([^])|'([^']*)(?:'|$)|"((?:[^"\\]|\\[^])*)(?:"|$)/g, (_, escaped?: string, single?: string, double?: string) => {
        if (double !== undefined) return double.replace(/\\(["\\$`])/g, '$1');
        return escaped ?? single ?? '';
      }),
    );
  }
  return found;
}
