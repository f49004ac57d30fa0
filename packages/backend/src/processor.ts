import { cpus } from 'node:os'

/** The processor's name as the system tells it. */
export const processor = (): string => cpus()[0]?.model.replaceAll(/\s+/g, ' ').trim() || process.arch
