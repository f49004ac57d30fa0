/** What the machines of a sweep share: files by keys such as `texts/…/text.txt`. A file is there whole, or not at all. */
export interface Store {
  /** @returns whether there was one; it is at `path` then */
  get(key: string, path: string): Promise<boolean>
  put(key: string, path: string): Promise<void>
  /** A small file's text; undefined if there is none. */
  read(key: string): Promise<string | undefined>
  write(key: string, text: string): Promise<void>
  /** Removes all whose keys are below one. */
  remove(key: string): Promise<void>
}
