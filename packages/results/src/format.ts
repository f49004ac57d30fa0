/** e.g. `12,345` */
export const thousands = (value: number): string => Math.round(value).toLocaleString('en-US')
