import bpy

settings = bpy.context.scene.declaim
sliders = bpy.context.scene.declaim_parameters

settings.generator = "gesture"
settings.mouth = "visemes"
sliders.gesture.style = "formal"
sliders.gesture.handedness = "both"
sliders.gesture.amplitude = 0.9
sliders.gesture.sway = 0.6
sliders.gesture.steps = 0.3
sliders.gesture.posture = 0.4
sliders.gesture.gaze = 0.6
sliders.visemes.style = "formal"
sliders.visemes.strength = 1.05
