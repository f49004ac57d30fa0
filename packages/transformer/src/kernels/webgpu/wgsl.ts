/** Marks shader text, so that editors highlight it; gives the text as it is. */
export const wgsl = (text: TemplateStringsArray, ...parts: readonly (string | number)[]): string =>
  String.raw({ raw: text }, ...parts)
