import bpy

settings = bpy.context.scene.declaim
sliders = bpy.context.scene.declaim_parameters

settings.generator = "gesture"
settings.mouth = "visemes"
sliders.gesture.style = "neutral"
sliders.gesture.rate = 0.4
sliders.gesture.amplitude = 0.6
sliders.gesture.sway = 0.3
sliders.gesture.steps = 0.0
sliders.gesture.head = 0.8
sliders.gesture.breath = 1.2
sliders.visemes.style = "neutral"
sliders.visemes.strength = 0.9
sliders.visemes.blending = 1.15
