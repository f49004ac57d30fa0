import { orNotFinite } from '@alibi/results'

/** e.g. `3 min 20 s`; rounded before it is divided, so that no part reaches 60 */
export function duration(seconds: number): string {
  const whole = Math.max(1, Math.round(seconds))
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${twoDigits(whole % 60)} s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 72 * 60) return `${Math.floor(minutes / 60)} h ${twoDigits(minutes % 60)} min`
  return `${thousands(minutes / 1440)} days`
}

const twoDigits = (value: number) => String(value).padStart(2, '0')

/** e.g. `12,345` */
export const thousands = (value: number): string =>
  orNotFinite(value, (finite) => Math.round(finite).toLocaleString('en-US'))

/** e.g. `41%`: whole percents, 100 only when all is done */
export const percent = (done: number, total: number): string =>
  `${total > 0 ? Math.min(100, Math.floor((100 * done) / total)) : 100}%`

/** Two digits, e.g. `0.13`, `1,800` */
export const gigabytes = (bytes: number): string => Number((bytes / 1e9).toPrecision(2)).toLocaleString('en-US')
