/** Control characters but for the tab and the end of a line: a model may write them, and a terminal would obey them. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g

/** Text for a stream: as it is for a pipe or a file; for a terminal, with pictures in place of control characters. */
export function plainText(text: string, stream: Pick<NodeJS.WriteStream, 'isTTY'>): string {
  if (!stream.isTTY) return text
  return text.replace(CONTROL, (character) => {
    const code = character.charCodeAt(0)
    if (code >= 0x80) return '\uFFFD'
    return String.fromCharCode(code === 0x7f ? 0x2421 : 0x2400 + code)
  })
}
