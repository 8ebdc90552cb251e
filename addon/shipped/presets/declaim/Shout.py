import bpy

settings = bpy.context.scene.declaim
sliders = bpy.context.scene.declaim_parameters

settings.generator = "gesture"
settings.mouth = "visemes"
sliders.gesture.style = "angry"
sliders.gesture.energy = 1.3
sliders.gesture.amplitude = 1.3
sliders.gesture.head = 1.2
sliders.gesture.posture = 0.2
sliders.visemes.style = "angry"
sliders.visemes.strength = 1.25
sliders.visemes.jaw = 1.2
sliders.visemes.loudness = 1.3
