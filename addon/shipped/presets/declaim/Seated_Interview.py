import bpy

settings = bpy.context.scene.declaim
sliders = bpy.context.scene.declaim_parameters

settings.generator = "gesture"
settings.mouth = "visemes"
sliders.gesture.style = "calm"
sliders.gesture.seated = True
sliders.gesture.amplitude = 0.8
sliders.gesture.rate = 0.8
sliders.gesture.posture = -0.15
sliders.gesture.head = 1.1
sliders.visemes.style = "calm"
