/** e.g. `3 min 20 s` */
export function duration(seconds: number): string {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${String(Math.round(seconds % 60)).padStart(2, '0')} s`
  if (minutes >= 72 * 60) return `${thousands(minutes / 1440)} days`
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`
}

/** e.g. `12,345` */
export const thousands = (value: number): string => Math.round(value).toLocaleString('en-US')
