"""Decides who gets a seat."""
