import { join } from 'node:path'
import { cellName } from '@alibi/results'
import type { Cell } from '../config/cells.js'

export const checkpointFolder = (folder: string, cell: Cell) => join(folder, 'checkpoints', cellName(cell))
