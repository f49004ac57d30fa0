import type { EnhanceAppContext } from 'vitepress'
import DefaultTheme from 'vitepress/theme'
import AlibiSlopes from '../../src/pictures/AlibiSlopes.vue'
import Extrapolation from '../../src/pictures/Extrapolation.vue'
import ForgettingGate from '../../src/pictures/ForgettingGate.vue'
import LayerPattern from '../../src/pictures/LayerPattern.vue'
import OneWord from '../../src/pictures/OneWord.vue'
import RotaryPlanes from '../../src/pictures/RotaryPlanes.vue'
import SinksAndWindow from '../../src/pictures/SinksAndWindow.vue'
import SinusoidMap from '../../src/pictures/SinusoidMap.vue'
import StickBreaking from '../../src/pictures/StickBreaking.vue'
import T5Buckets from '../../src/pictures/T5Buckets.vue'
import './style.css'

const pictures = {
  AlibiSlopes,
  Extrapolation,
  ForgettingGate,
  LayerPattern,
  OneWord,
  RotaryPlanes,
  SinksAndWindow,
  SinusoidMap,
  StickBreaking,
  T5Buckets,
}

export default {
  extends: DefaultTheme,
  enhanceApp({ app }: EnhanceAppContext) {
    for (const [name, picture] of Object.entries(pictures)) app.component(name, picture)
  },
}
