import { type Watched, watchedFolder } from './folder.js'
import { viewer } from './view.js'
import type { Watchable } from './watchable.js'

/** The folder of a run or a sweep. */
export const watchableFolder = (folder: string): Watchable<Watched> => ({
  name: folder,
  read: watchedFolder(folder),
  view: viewer(),
  isReading: (watched) => watched.kind === 'found' && watched.unread !== undefined,
})
