"""What PersonaLive reads from a picture: the motion of the face, its keypoints and the pose they draw."""
