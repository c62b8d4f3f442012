import gradio as gr
gr.Interface().launch()
