import bpy

settings = bpy.context.scene.declaim
sliders = bpy.context.scene.declaim_parameters

settings.generator = "gesture"
settings.mouth = "visemes"
sliders.gesture.style = "energetic"
sliders.gesture.blend_with = "happy"
sliders.gesture.blend = 0.4
sliders.gesture.handedness = "both"
sliders.gesture.amplitude = 1.25
sliders.gesture.rate = 1.15
sliders.gesture.head = 1.2
sliders.visemes.style = "energetic"
sliders.visemes.blend_with = "happy"
sliders.visemes.blend = 0.4
sliders.visemes.strength = 1.1
