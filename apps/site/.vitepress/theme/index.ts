import type { EnhanceAppContext } from 'vitepress'
import DefaultTheme from 'vitepress/theme'
import AlibiSlopes from '../../src/pictures/AlibiSlopes.vue'
import Extrapolation from '../../src/pictures/Extrapolation.vue'
import OneWord from '../../src/pictures/OneWord.vue'
import RotaryPlanes from '../../src/pictures/RotaryPlanes.vue'
import SinusoidMap from '../../src/pictures/SinusoidMap.vue'
import T5Buckets from '../../src/pictures/T5Buckets.vue'
import './style.css'

const pictures = { AlibiSlopes, Extrapolation, OneWord, RotaryPlanes, SinusoidMap, T5Buckets }

export default {
  extends: DefaultTheme,
  enhanceApp({ app }: EnhanceAppContext) {
    for (const [name, picture] of Object.entries(pictures)) app.component(name, picture)
  },
}
